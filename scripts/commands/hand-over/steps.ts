/** Instructions for the WireGuard app of each platform, with the app's own labels. HTML. */

interface Platform {
  platform: string;
  steps: [string, string, string];
}

interface PageFeatures {
  /** The page has a QR code. */
  scan: boolean;
  /** The file names DNS servers. */
  dns: boolean;
}

/** `tunnel`: the name of the file without `.conf`. */
export function stepsFor(tunnel: string, { scan, dns }: PageFeatures): Platform[] {
  const file = `<code>${tunnel}.conf</code>`;
  const importIt = `Download ${file} above. In the app choose <b>Import tunnel(s) from file</b>, and that file.`;
  return [
    {
      platform: "iPhone, iPad",
      steps: [
        "Install <b>WireGuard</b> from the App Store.",
        phoneStep(file, scan, { code: "Create from QR code", from: "Create from file or archive" }),
        "Allow it to add a VPN configuration, and switch the tunnel on.",
      ],
    },
    {
      platform: "Android",
      steps: [
        "Install <b>WireGuard</b> from Google Play or F-Droid.",
        phoneStep(file, scan, { code: "Scan from QR code", from: "Import from file or archive" }),
        "Switch the tunnel on, and allow the connection request.",
      ],
    },
    {
      platform: "Windows",
      steps: [
        "Install WireGuard from <code>https://www.wireguard.com/install/</code>.",
        importIt,
        "Choose <b>Activate</b>.",
      ],
    },
    {
      platform: "Mac",
      steps: [
        "Install <b>WireGuard</b> from the App Store.",
        importIt,
        "Allow it to add a VPN configuration, and choose <b>Activate</b>.",
      ],
    },
    {
      platform: "Linux",
      steps: [
        `Install it: <code>sudo apt install wireguard</code>, or the package <code>wireguard-tools</code>.${dns ? RESOLVCONF : ""}`,
        `Download ${file} above, then: <code>sudo install -m 600 ~/Downloads/${tunnel}.conf /etc/wireguard/</code>`,
        `Switch it on, now and at each boot: <code>sudo systemctl enable --now wg-quick@${tunnel}</code>`,
      ],
    },
  ];
}

/** wg-quick(8) needs resolvconf(8) for the `DNS` of a file. */
const RESOLVCONF =
  " If it says later that <code>resolvconf</code> is missing, install <code>systemd-resolved</code> or <code>openresolv</code>.";

function phoneStep(file: string, scan: boolean, { code, from }: { code: string; from: string }) {
  const byFile = `download ${file}, then <b>+</b>, <b>${from}</b>`;
  if (!scan) return `On this device ${byFile}.`;
  return `In the app choose <b>+</b>, <b>${code}</b>, and scan the code above. If you read this on the device itself: ${byFile}.`;
}
