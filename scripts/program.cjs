// What the engine runs (`main` in package.json): index.ts, by the loader beside this file. Language host 3.68, which can be built
// with Go, ignores `typescript: false` in Pulumi.yaml and registers ts-node first; the later loader counts.
"use strict";

require("node:module").enableCompileCache?.(
  `${__dirname}/../node_modules/.cache/wireguard-mesh/node`,
);
require("./load-typescript.cjs");

// The SDK sends the engine six debug messages for each resource, which are shown with `--debug` only.
require("@pulumi/pulumi/log").debug = () => Promise.resolve();

module.exports = require("../index.ts");

// It also has a stack written out for each of its promises, and for each resource, whose state keeps it: 600 bytes each. Only the
// error that ends the program is worth that.
Error.stackTraceLimit = 5;
Error.prepareStackTrace = (error) => String(error);
for (const event of ["uncaughtException", "unhandledRejection"])
  process.prependListener(event, () => {
    Error.prepareStackTrace = undefined;
  });
