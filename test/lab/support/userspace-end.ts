/** A loop in sh(1) until wireguard-go has ended, which takes a moment after its interface was deleted. */
export const UNTIL_GONE = "while [ -e /run/wireguard/wg0.sock ]; do sleep 0.05; done";
