/** Errors for a host without a valid host certificate; the ssh output was captured from OpenSSH 9.2 at LogLevel=DEBUG2. */
import * as assert from "node:assert/strict";
import type { SshHop } from "../../mesh/push-request";
import { unprovenHop } from "../../scripts/push/host-key-failure";
import { explain as explainLogin } from "./support/failed-login";

const AUTHORITY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0u/c0cKBZlaUOiuGdIdumBH6c+PelQ0oCseqBOfKX3";
const FINGERPRINT = "ssh-ed25519 SHA256:3fEdrPT1P6+FdiPknnQ23l80hqnK3/EvN0lwmEzt4jo";
const OTHER = "ssh-ed25519 SHA256:0hgiwYiu1XnH/1XwO56M/ngQ4Yt7ijXnBPDAbGFNmlg";
const HOP: SshHop = {
  user: "admin",
  address: "203.0.113.60",
  port: 22,
  hostKeys: [],
  authority: { publicKey: AUTHORITY, principal: "wireguard-mesh-i-1" },
};
const PINNED: SshHop = { ...HOP, hostKeys: [AUTHORITY], authority: null };

const REFUSED = `No ED25519 host key is known for wireguard-mesh-i-1 and you have requested strict checking.
Host key verification failed.
`;
const NO_KIND =
  "Unable to negotiate with 203.0.113.60 port 22: no matching host key type found. Their offer: ssh-ed25519\n";

/** ssh's debug output for a certificate that it rejects. */
function certificate(authority: string, name: string): string {
  return `debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:CmoQ4AlVNHCRy/oJW2zXj+UifENsSpLI4MnV0Dkawb4, serial 0 ID "t" CA ${authority} valid forever
debug2: Server host certificate hostname: ${name}
`;
}

function explain(text: string) {
  return explainLogin({ node: "tokyo", chain: [HOP], logTexts: [text] });
}

/** The error message for what the host showed. */
function cause(got: string): string {
  return [
    "203.0.113.60 port 22 does not prove that it is i-1, so nothing was sent",
    `    expected: a host certificate for wireguard-mesh-i-1 by the stack's SSH authority, ${FINGERPRINT}`,
    `    got:      ${got}`,
  ].join("\n");
}

describe("a host without a valid certificate", () => {
  it("is reported if it shows a plain key", () => {
    const debugOutput = `debug1: Server host key: ${OTHER}\n${REFUSED}`;
    const failure = explain(NO_KIND + debugOutput);
    assert.equal(failure.cause, cause(`no certificate, but the plain key ${OTHER}`));
    assert.equal(failure.kind, "host-key");
    assert.match(failure.remedy, /by a higher imageGeneration under ec2 of that relay/);
    assert.equal(explain(NO_KIND).cause, cause("no certificate"));
  });

  it("is reported if its certificate has another authority", () => {
    const failure = explain(REFUSED + certificate(OTHER, "wireguard-mesh-i-1") + REFUSED);
    assert.equal(failure.cause, cause(`one for wireguard-mesh-i-1 by another authority, ${OTHER}`));
    assert.equal(failure.kind, "host-key");
    assert.match(failure.remedy, /wireguard-mesh:sshAuthoritySeed is not what it was/);
  });

  it("is reported as another machine if its certificate is for another name: the address may be moving", () => {
    const invalid = `Certificate invalid: name is not a listed principal\n${REFUSED}`;
    const failure = explain(invalid + certificate(FINGERPRINT, "wireguard-mesh-i-2") + invalid);
    assert.equal(failure.cause, cause("one by this authority for wireguard-mesh-i-2"));
    assert.equal(failure.kind, "other-machine");
    assert.equal(explain(invalid).cause, cause("one by this authority for no name"));
  });

  it("is reported if its certificate has expired", () => {
    const debugOutput = certificate(FINGERPRINT, "wireguard-mesh-i-1");
    const failure = explain(`${debugOutput}Certificate invalid: expired\n${REFUSED}`);
    assert.equal(failure.cause, cause("one by this authority for wireguard-mesh-i-1 (expired)"));
  });
});

describe("the second connection with debug output", () => {
  it("is made for a host without a certificate, not for one with a pinned key", () => {
    assert.equal(unprovenHop([HOP], [REFUSED]), 0);
    assert.equal(unprovenHop([PINNED, HOP], ["", NO_KIND]), 1);
    assert.equal(unprovenHop([HOP, PINNED], [REFUSED, "Connection closed by UNKNOWN"]), 0);
    assert.equal(unprovenHop([PINNED], [REFUSED]), null);
    assert.equal(unprovenHop([HOP], ["Permission denied (publickey)."]), null);
  });
});
