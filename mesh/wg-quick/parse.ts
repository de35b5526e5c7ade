/** Parses wg-quick(8) files like wg(8) and wg-quick: any case, CRLF, comments, and lists in several lines. */
import { Mistake } from "../config/mistake";
import { decodeKey } from "../key-text";
import { Secret } from "../secret";
import { nameInComment } from "./comments";
import type { Problem, QuickPeer, WgQuickFile } from "./file";
import { hookEffects } from "./hooks";
import { isHook, isLost, lossIssue } from "./lost-settings";
import {
  parseAllowedIps,
  parseEndpoint,
  parseInterfaceAddress,
  parseKeepalive,
  parseListenPort,
  parseMtu,
  parsePublicKey,
} from "./values";

interface Parsed {
  file: WgQuickFile;
  problems: Problem[];
}

/**
 * `problems` lists everything that cannot be kept or read. They never contain the text, which has keys. `name` is the
 * interface's.
 */
export function parseWgQuick(text: Secret, source: string, name: string | null = null): Parsed {
  const parser = new Parser(source, name);
  text
    .reveal()
    .split(/\r\n|\n|\r/)
    .forEach((line, at) => {
      parser.read(line, at + 1);
    });
  return { file: parser.finish(), problems: parser.problems };
}

type Section = "none" | "interface" | "peer" | "other";

/** Peer sections still to be checked for a public key. */
type PeerDraft = Omit<QuickPeer, "publicKey"> & { publicKey: string | null };

class Parser {
  readonly problems: Problem[] = [];
  private section: Section = "none";
  /** Whether no setting of the section has been read yet: then a comment may name the node. */
  private isAtHead = false;
  /** The comment in the line before; null after any other line. */
  private comment: string | null = null;
  private readonly peers: PeerDraft[] = [];
  private sawInterface = false;
  private readonly file: WgQuickFile;

  constructor(
    source: string,
    private readonly interfaceName: string | null,
  ) {
    const nothing = { name: null, privateKey: null, listenPort: null, mtu: null };
    this.file = { source, ...nothing, addresses: [], dns: [], hooks: [], peers: [] };
  }

  read(line: string, at: number): void {
    const [code = ""] = line.split("#");
    const content = code.trim();
    const comment = content === "" && line.includes("#") ? nameInComment(line) : null;
    if (content === "") {
      if (comment !== null && this.isAtHead) this.nameSection(comment);
      this.comment = comment;
      return;
    }
    if (content.startsWith("[")) this.begin(content, at);
    else this.set(content, at);
    this.comment = null;
  }

  finish(): WgQuickFile {
    const { source } = this.file;
    if (!this.sawInterface) {
      this.addProblem(null, "has no [Interface]: it is not a wg-quick file", "leave it out");
    } else if (this.file.privateKey === null) {
      const remedy =
        "add the key to a copy of the file, or leave it out: then its node is known from the others";
      this.addProblem(null, "has no PrivateKey, so its node is unknown", remedy);
    }
    const seen = new Set<string>();
    this.file.peers = this.peers.flatMap(({ publicKey, ...peer }) => {
      const at = `${source}:${peer.line}`;
      if (publicKey === null) {
        this.problems.push({
          at,
          message: "[Peer] has no PublicKey",
          remedy: "add it, or remove the section",
        });
        return [];
      }
      if (seen.has(publicKey)) {
        const message = "[Peer] has the PublicKey of an earlier one: WireGuard uses only the last";
        this.problems.push({ at, message, remedy: "remove one of the two sections" });
      }
      seen.add(publicKey);
      return [{ ...peer, publicKey }];
    });
    return this.file;
  }

  private addProblem(line: number | null, message: string, remedy: string): void {
    const { source } = this.file;
    this.problems.push({ at: line === null ? source : `${source}:${line}`, message, remedy });
  }

  private begin(header: string, line: number): void {
    this.isAtHead = true;
    const name = header.toLowerCase();
    this.section = name === "[interface]" ? "interface" : name === "[peer]" ? "peer" : "other";
    if (this.section === "other")
      this.addProblem(line, "is a section that wg-quick does not know", "remove it");
    if (this.section === "interface") this.sawInterface = true;
    if (this.section === "peer") {
      const nothing = { name: null, publicKey: null, presharedKey: null, endpoint: null };
      this.peers.push({ line, ...nothing, allowedIps: [], keepalive: 0 });
    }
    if (this.comment !== null) this.nameSection(this.comment);
  }

  private nameSection(name: string): void {
    const target = this.section === "peer" ? this.peers.at(-1) : this.file;
    if (target !== undefined && this.section !== "none") target.name ??= name;
  }

  private set(content: string, line: number): void {
    this.isAtHead = false;
    const [, setting = "", value = ""] = /^(\w{1,32})\s*=\s*(.*)$/.exec(content) ?? [];
    if (setting === "") {
      this.addProblem(line, "is neither a setting nor a comment", "correct it, or remove it");
      return;
    }
    try {
      const peer = this.peers.at(-1);
      const isKnown =
        this.section === "interface"
          ? this.setInterface(setting, value, line)
          : this.section === "peer" && peer !== undefined
            ? setPeer(peer, setting, value)
            : this.section === "other";
      if (!isKnown)
        this.addProblem(line, `${setting} is not a setting of wg-quick here`, "remove it");
    } catch (problem) {
      if (!(problem instanceof Mistake)) throw problem;
      this.addProblem(line, `${setting}: ${problem.message}`, problem.remedy);
    }
  }

  /** Returns whether wg-quick has this setting. */
  private setInterface(setting: string, value: string, line: number): boolean {
    const { file } = this;
    if (isLost(setting, value)) this.addProblem(line, ...lossIssue(setting, this.interfaceName));
    else if (/^p(re|ost)up$/i.test(setting)) this.addHook(setting, value, line);
    switch (setting.toLowerCase()) {
      case "privatekey":
        file.privateKey = keyIn(value);
        break;
      case "address":
        file.addresses.push(...listIn(value).map(parseInterfaceAddress));
        break;
      case "listenport":
        file.listenPort = parseListenPort(value);
        break;
      case "mtu":
        file.mtu = parseMtu(value);
        break;
      case "dns":
        file.dns.push(...listIn(value));
        break;
      default:
        return isHook(setting) || /^(saveconfig|table|fwmark)$/i.test(setting);
    }
    return true;
  }

  private addHook(setting: string, value: string, line: number): void {
    const { hooks } = this.file;
    for (const effect of hookEffects(value)) {
      if (effect === "other") continue;
      if (!hooks.some((hook) => hook.effect === effect)) hooks.push({ line, setting, effect });
    }
  }
}

/** Returns whether wg(8) has this setting. */
function setPeer(peer: PeerDraft, setting: string, value: string): boolean {
  switch (setting.toLowerCase()) {
    case "publickey":
      peer.publicKey = parsePublicKey(value);
      return true;
    case "presharedkey":
      peer.presharedKey =
        decodeKey(value)?.every((byte) => byte === 0) === true ? null : keyIn(value);
      return true;
    case "allowedips":
      peer.allowedIps.push(...listIn(value).map(parseAllowedIps));
      return true;
    case "endpoint":
      peer.endpoint = parseEndpoint(value.toLowerCase());
      return true;
    case "persistentkeepalive":
      peer.keepalive = parseKeepalive(value);
      return true;
    default:
      return false;
  }
}

function keyIn(value: string): Secret {
  if (decodeKey(value) !== null) return Secret.of(value);
  throw new Mistake(
    "is not a WireGuard key",
    "a key is 44 characters of base64, as `wg genkey` prints it",
  );
}

function listIn(value: string): string[] {
  return value.split(",").flatMap((text) => text.trim() || []);
}
