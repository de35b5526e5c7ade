/** What a host keeps for its peers beyond what is wanted of it. */
import { withFormerAddresses } from "./former-addresses";
import { withKeptSecond } from "./kept-second";
import { withMovingHomes } from "./moving-homes";
import type { Observation } from "./observation";
import type { Wanted } from "./wanted";

export function withKept(observed: Observation, wanted: Wanted): Wanted {
  const moving = withMovingHomes(observed, withFormerAddresses(observed, wanted));
  return withKeptSecond(observed, moving);
}
