// What the engine runs (`main` in package.json): index.ts, by the loader beside this file. Language host 3.68, which can be built
// with Go, ignores `typescript: false` in Pulumi.yaml and registers ts-node first; the later loader counts.
"use strict";

require("node:module").enableCompileCache?.(
  `${__dirname}/../node_modules/.cache/wireguard-mesh/node`,
);
const { compiled } = require("./load-typescript.cjs");
// Node would read the source map of every file when it loads it. source-map-support, which the SDK loads too, reads one only for
// an error.
process.setSourceMapsEnabled(false);
const support = require.resolve("source-map-support", {
  paths: [require.resolve("@pulumi/pulumi")],
});
require(support).install({
  handleUncaughtExceptions: false,
  retrieveFile: (file) => (file.endsWith(".ts") ? compiled(file) : null),
});

// The SDK sends the engine six debug messages for each resource, which are shown with `--debug` only.
require("@pulumi/pulumi/log").debug = () => Promise.resolve();

// The SDK also keeps a stack for each of its promises.
const debuggable = require("@pulumi/pulumi/runtime/debuggable");
const { debuggablePromise } = debuggable;
debuggable.debuggablePromise = (promise, context) => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return debuggablePromise(promise, context);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

module.exports = require("../index.ts");

// The SDK also formats a stack for each resource, which the state keeps: 600 bytes each. Only the error that ends the program
// needs one.
Error.stackTraceLimit = 5;
const { prepareStackTrace } = Error;
Error.prepareStackTrace = (error) => String(error);
for (const event of ["uncaughtException", "unhandledRejection"])
  process.prependListener(event, () => {
    Error.prepareStackTrace = prepareStackTrace;
  });
