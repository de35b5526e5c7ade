/** The environment of the programs that a push starts. */
import * as assert from "node:assert/strict";
import { plainEnvironment, sshEnvironment } from "../../scripts/push/environment";

const OWN = {
  PULUMI_CONFIG_PASSPHRASE: "open sesame",
  PULUMI_CONFIG: '{"wireguard-mesh:seed":"open sesame"}',
  PULUMI_ACCESS_TOKEN: "open sesame",
  AWS_SECRET_ACCESS_KEY: "for aws ssm",
  SSH_AUTH_SOCK: "/run/agent",
  SSH_ASKPASS: "/usr/bin/askpass",
  XDG_RUNTIME_DIR: "/run/user/1000",
  KRB5CCNAME: "/tmp/krb5cc",
  https_proxy: "http://proxy:8080",
  NO_PROXY: "localhost",
  CLOUDSDK_CONFIG: "/home/taro/.gcloud",
  PATH: "/usr/bin",
  HOME: "/home/taro",
  LC_ALL: "de_DE.UTF-8",
  DISPLAY: ":0",
};

describe("the environment of ssh", () => {
  const env = sshEnvironment(OWN);

  it("has nothing of the engine's", () => {
    assert.deepEqual(
      Object.keys(env).filter((name) => name.startsWith("PULUMI")),
      [],
    );
  });

  it("has all that a ProxyCommand, an agent or Kerberos needs", () => {
    const names = ["AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "KRB5CCNAME"];
    for (const name of [...names, "https_proxy", "CLOUDSDK_CONFIG", "PATH", "HOME"]) {
      assert.equal(env[name], OWN[name as keyof typeof OWN], name);
    }
  });

  it("is in English and never prompts", () => {
    assert.deepEqual(
      [env["LC_ALL"], env["SSH_ASKPASS_REQUIRE"], env["DISPLAY"]],
      ["C", "never", undefined],
    );
    assert.equal(env["SHELL"], "/bin/sh");
  });
});

describe("the environment of every other program", () => {
  it("has few variables, among them the proxy for packages", () => {
    const env = plainEnvironment(OWN);
    const given = Object.entries(env).filter(([, value]) => value !== undefined);
    assert.deepEqual(given.map(([name]) => name).sort(), [
      ...["HOME", "LC_ALL", "NO_PROXY", "PATH", "SHELL", "SSH_ASKPASS_REQUIRE", "https_proxy"],
    ]);
  });
});
