#!/usr/bin/env node
// `npx pulumi` runs this: the npm package `pulumi`, a wrapper, with PULUMI_VERSION set to the SDK's version. By default it
// runs the engine of its own version, and npm has no wrapper for the newest engines.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineVersion } from "./pins.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
process.env["PULUMI_VERSION"] ||= engineVersion(root);
createRequire(import.meta.url)("pulumi/run.js");
