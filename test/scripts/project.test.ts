import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findStack, findStackOr, stackFlag } from "../../scripts/stack/project";
import { Failure } from "../../scripts/stack/failure";
import { projectOfEachTest } from "./support/test-project";

describe("which stack a command works on", () => {
  const project = projectOfEachTest();
  const { PULUMI_STACK, PULUMI_HOME, PULUMI_BACKEND_URL } = process.env;

  beforeEach(() => {
    process.env["PULUMI_HOME"] = join(project.root, "home");
    delete process.env["PULUMI_STACK"];
    delete process.env["PULUMI_BACKEND_URL"];
  });
  afterEach(() => {
    for (const [key, value] of Object.entries({ PULUMI_STACK, PULUMI_HOME, PULUMI_BACKEND_URL })) {
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
  });

  /** Writes the file of `pulumi stack select`: `stacks` since 3.251, `stack` before. */
  function select(selection: { stack?: string; stacks?: Record<string, string> }): void {
    const path = join(realpathSync(project.root), "Pulumi.yaml");
    const digest = createHash("sha1").update(path).digest("hex");
    mkdirSync(join(project.root, "home/workspaces"), { recursive: true });
    writeFileSync(
      join(project.root, `home/workspaces/wireguard-mesh-${digest}-workspace.json`),
      JSON.stringify(selection),
    );
  }

  it("is named in a printed command only where the command needs it, and by its short name", () => {
    const flagOf = (name: string) => stackFlag(findStackOr(name, "dev", project.root));
    assert.equal(flagOf("organization/wireguard-mesh/home"), " --stack home");
    select({ stack: "organization/wireguard-mesh/home" });
    assert.deepEqual(["home", "organization/wireguard-mesh/home", "dev"].map(flagOf), [
      ...["", "", " --stack dev"],
    ]);
    process.env["PULUMI_STACK"] = "dev";
    assert.deepEqual(["home", "dev"].map(flagOf), [" --stack home", ""]);
  });

  it("is named by --stack, else by PULUMI_STACK, else selected", () => {
    select({ stack: "organization/wireguard-mesh/selected" });
    assert.equal(
      findStack(undefined, project.root).file,
      join(project.root, "Pulumi.selected.yaml"),
    );
    process.env["PULUMI_STACK"] = "environment";
    assert.equal(findStack(undefined, project.root).name, "environment");
    assert.equal(findStack("flag", project.root).name, "flag");
  });

  it("is the one selected for the current backend, before the one that an older engine recorded", () => {
    process.env["PULUMI_BACKEND_URL"] = "file:///here";
    const stacks = {
      "file:///here": "organization/wireguard-mesh/home",
      "file:///there": "organization/wireguard-mesh/work",
    };
    select({ stack: "organization/wireguard-mesh/old", stacks });
    assert.equal(findStack(undefined, project.root).file, join(project.root, "Pulumi.home.yaml"));
    process.env["PULUMI_BACKEND_URL"] = "file:///there";
    assert.equal(findStack(undefined, project.root).file, join(project.root, "Pulumi.work.yaml"));
    delete process.env["PULUMI_BACKEND_URL"];
    const credentials = JSON.stringify({ current: "file:///here" });
    writeFileSync(join(project.root, "home/credentials.json"), credentials);
    assert.equal(findStack(undefined, project.root).file, join(project.root, "Pulumi.home.yaml"));
  });

  it("is found from a folder below the project's", () => {
    mkdirSync(join(project.root, "docs"));
    assert.equal(findStack("dev", join(project.root, "docs")).project.root, project.root);
  });

  it("must be given or selected, except for init", () => {
    assert.throws(
      () => findStack(undefined, project.root),
      (problem) => problem instanceof Failure && problem.exitCode === 2,
    );
    assert.equal(findStackOr(undefined, "dev", project.root).name, "dev");
  });

  it("never has its file outside of the project's folder", () => {
    assert.throws(() => findStack("a/..%2f", project.root), /is not a valid stack name/);
    assert.equal(findStack("../../x", project.root).file, join(project.root, "Pulumi.x.yaml"));
  });

  const settings = (lines: string) => {
    project.write("Pulumi.yaml", `name: wireguard-mesh\nruntime: nodejs\n${lines}`);
  };

  it("has its file in stackConfigDir, or in the folder that `config` names, as for the engine", () => {
    for (const line of ["stackConfigDir: stacks\n", "config: stacks\n"]) {
      settings(line);
      assert.equal(
        findStack("dev", project.root).file,
        join(project.root, "stacks/Pulumi.dev.yaml"),
      );
    }
  });

  it("has no config in Pulumi.yaml, which the engine would add to that of the stack", () => {
    for (const config of [
      "  network: { value: { mtu: 1400 } }\n",
      "  wireguard-mesh:peers: { default: {} }\n",
      "  expect: none\n",
    ]) {
      settings(`config:\n${config}`);
      assert.throws(
        () => findStack("dev", project.root),
        /Pulumi\.yaml sets wireguard-mesh:\w+ for all stacks/,
      );
    }
    settings("config:\n  aws:region: eu-west-1\n  network: { type: object }\n");
    assert.equal(findStack("dev", project.root).name, "dev");
  });

  it("requires a project", () => {
    assert.throws(() => findStack("dev", "/"), /there is no Pulumi.yaml/);
  });
});
