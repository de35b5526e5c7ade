/** Adds to the wanted state what a host keeps for its peers for a while. */
import { withFormerAddresses } from "./former-addresses";
import { withFormerPort } from "./former-port";
import { withKeptSecond } from "./kept-second";
import { withMovingHomes } from "./moving-homes";
import type { Observation } from "./observation";
import type { Wanted } from "./wanted";

export function withKept(observed: Observation, wanted: Wanted): Wanted {
  const addressed = withFormerAddresses(observed, withFormerPort(observed, wanted));
  const moving = withMovingHomes(observed, addressed);
  return withKeptSecond(observed, moving);
}
