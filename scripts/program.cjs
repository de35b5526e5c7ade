// What the engine runs (`main` in package.json): index.ts, by the loader beside this file. Language host 3.68, which can be built
// with Go, ignores `typescript: false` in Pulumi.yaml and registers ts-node first; the later loader counts.
"use strict";

require("./load-typescript.cjs");
// Of ts-node: it would format a stack for each promise of the SDK.
Error.prepareStackTrace = undefined;

module.exports = require("../index.ts");
