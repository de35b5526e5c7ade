/** Networks with a policy, with the real engine: exactly the pings and ports answer that should. Needs root. */
import { assertAllPairs } from "./support/all-pairs";
import { limited } from "./support/limited-networks";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { serveEverywhere } from "./support/traffic";

describe("known networks with a policy", function () {
  this.timeout(300_000);

  for (const network of limited) {
    describe(network.title, () => {
      let mesh: MeshLab;
      let session: MeshSession;

      before(async () => {
        mesh = await meshLab(network, "test-networks-limited");
        session = await openSession(mesh);
        succeeded(await session.pulumi(...UP));
        await serveEverywhere(mesh.lab);
      });
      after(() => mesh.lab.down());

      it("answers exactly where it should, by TCP and UDP, in each direction", () =>
        assertAllPairs(mesh, network, { byPort: true }));

      it("leaks no secret", () => session.leaks.end());
    });
  }
});
