#!/usr/bin/env node
// What `npx pulumi` runs: npm's wrapper `pulumi`, told to take the engine of the SDK's version. By itself it takes its own,
// and npm has none for the newest engines.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineVersion } from "./pins.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
process.env["PULUMI_VERSION"] ||= engineVersion(root);
createRequire(import.meta.url)("pulumi/run.js");
