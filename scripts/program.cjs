// What the engine runs (`main` in package.json): index.ts, by the loader beside this file. Language host 3.68, which can be built
// with Go, ignores `typescript: false` in Pulumi.yaml and registers ts-node first; the later loader counts.
"use strict";

require("./load-typescript.cjs");

module.exports = require("../index.ts");
