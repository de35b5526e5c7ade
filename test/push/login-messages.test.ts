/** Messages while a login takes long. */
import * as assert from "node:assert/strict";
import { unresolvedName, waitingForKey } from "../../scripts/push/login-messages";

describe("the messages for a slow login", () => {
  it("ask for a touch of a token, or for a confirmation where the key may be anywhere", () => {
    assert.match(
      waitingForKey("ED25519-SK SHA256:abc"),
      /^waits for .* ED25519-SK SHA256:abc: touch/,
    );
    assert.match(
      waitingForKey("ED25519 SHA256:abc"),
      /: confirm its use in the window of your SSH/,
    );
    assert.match(waitingForKey(""), /^waits for your SSH key: confirm/);
  });

  it("name the host's own name that made sudo slow, with the line for /etc/hosts", () => {
    const output = "motd\nsudo: unable to resolve host attic: Name or service not known";
    assert.equal(
      unresolvedName(output, 20),
      "sudo took 20 s there, for the host's own name attic does not resolve. " +
        'On that machine: echo "127.0.1.1 attic" | sudo tee -a /etc/hosts',
    );
  });

  it("do not name it where sudo was quick, or slow for another reason", () => {
    assert.equal(unresolvedName("sudo: unable to resolve host attic: x", 1), null);
    assert.equal(unresolvedName("hello", 20), null);
    assert.equal(unresolvedName("sudo: unable to resolve host $(reboot): x", 20), null);
  });
});
