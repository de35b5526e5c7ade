/** Removes the request's secrets and control characters from human-readable output. */
import * as assert from "node:assert/strict";
import type { PushRequest } from "../../mesh/push-request";
import { redactor } from "../../scripts/push/redact";

const PRIVATE = "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const PRESHARED = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";
const NEXT = "0HFxDyvZl02jAXkFbYGQZkcJXtOKj7nEJyBdLs8vJ1M=";
const KEY_LINE = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW";
const AUTHORITY_LINE = "AAAAAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fIAEC";

const REQUEST: PushRequest = {
  version: 1,
  node: "desktop",
  targets: [{ kind: "local" }],
  sshPrivateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${KEY_LINE}\n-----END OPENSSH PRIVATE KEY-----\n`,
  owner: "wireguard-mesh/dev",
  machine: "local:desktop",
  interface: "wg0",
  config: `[Interface]\nPrivateKey = ${PRIVATE}\nAddress = 10.0.0.2/24\n\n[Peer]\nPresharedKey=${PRESHARED}\n`,
  forwarding: { ipv4: false, ipv6: false },
  probes: [],
  identity: {
    authorityKey: `-----BEGIN\n${AUTHORITY_LINE}\n`,
    bootstrapHostKey: "ssh-ed25519 AAAA",
  },
  rotation: {
    pairs: [],
    alternate: { interface: "wg0-next", config: `[Interface]\nPrivateKey = ${NEXT}\n` },
    mustShake: [],
  },
};

describe("human-readable output", () => {
  const clean = redactor(REQUEST);

  it("hides the request's keys wherever a host prints them", () => {
    const text = `Key is not the correct length or format: \`${PRIVATE}'; ${PRESHARED}; ${NEXT}; ${KEY_LINE}${AUTHORITY_LINE}`;
    assert.equal(
      clean(text),
      "Key is not the correct length or format: `(hidden)'; (hidden); (hidden); (hidden)(hidden)",
    );
    assert.equal(clean(Buffer.from(REQUEST.config).toString("base64")), "(hidden)");
  });

  it("keeps its lines without terminal control characters", () => {
    assert.equal(clean("one\u001b[2J\u0007\ntwo\u202e 10.0.0.2\n"), "one[2J\ntwo 10.0.0.2\n");
  });
});
