// What the engine runs (`main` in package.json): index.ts, by the loader beside this file. Language host 3.68, which can be built
// with Go, ignores `typescript: false` in Pulumi.yaml and registers ts-node first; the later loader counts.
"use strict";

require("node:module").enableCompileCache(
  `${__dirname}/../node_modules/.cache/wireguard-mesh/node`,
);
require("./load-typescript.cjs");

module.exports = require("../index.ts");

// The SDK has a stack formatted for each of its promises. Only the error that ends the program is worth the lines of the source.
Error.prepareStackTrace = undefined;
process.setSourceMapsEnabled(false);
for (const event of ["uncaughtException", "unhandledRejection"])
  process.prependListener(event, () => {
    process.setSourceMapsEnabled(true);
  });
