/** Enables Node's compile cache, so that the stand-ins start nearly as fast as the real plugins. Import it first. */
import { enableCompileCache } from "node:module";
import * as path from "node:path";
import { findRepository } from "../repository";

enableCompileCache(path.join(findRepository(), "node_modules/.cache/wireguard-mesh/node"));
