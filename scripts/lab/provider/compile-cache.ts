/** Imported first by what the engine starts: has Node keep what it compiles, since the plugins that are stood in for start at once. */
import { enableCompileCache } from "node:module";
import * as path from "node:path";
import { findRepository } from "../repository";

enableCompileCache(path.join(findRepository(), "node_modules/.cache/wireguard-mesh/node"));
