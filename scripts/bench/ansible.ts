/** Ansible as a rival. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import {
  LIVE,
  WIDTH,
  subfolder,
  SYNC,
  writeConfigs,
  writeSshConfig,
  type Contender,
  type Network,
} from "./contenders";
import { log } from "../log";

/** Python on the hosts, which share the machine's /usr. */
const PYTHON = "/usr/bin/python3";
const INSTALL_MS = 300_000;

const PLAYBOOK = `- hosts: all
  gather_facts: false
  tasks:
    - template: { src: "{{ inventory_hostname }}.conf", dest: ${LIVE}, mode: "0600" }
      notify: sync
  handlers:
    - name: sync
      shell: ${SYNC}
`;

/** The installed Ansible, else one installed into the lab's folder; or the reason why it cannot be measured. */
export async function ansible(network: Network): Promise<Contender | string> {
  const { lab, hosts } = network;
  const python = await lab.exec(hosts[0] ?? "", [PYTHON, "-V"]);
  if (python.code !== 0) return `the hosts have no ${PYTHON}`;
  const folder = subfolder(network, "ansible");
  if (failure(["ansible-playbook", "--version"]) === null)
    return contender(network, folder, "ansible-playbook");
  log("installing Ansible for comparison");
  const bin = path.join(folder, "venv", "bin");
  const pip = [path.join(bin, "pip"), "--retries=1", "--timeout=20", "install", "--quiet"];
  const problem =
    failure(["python3", "-m", "venv", path.dirname(bin)]) ??
    failure([...pip, "--disable-pip-version-check", "ansible-core"]);
  if (problem === null) return contender(network, folder, path.join(bin, "ansible-playbook"));
  return `it is not on PATH and cannot be installed with pip (${problem}); try: apt-get install ansible-core`;
}

/** Null if the command succeeds. */
function failure([program = "", ...args]: string[]): string | null {
  const done = spawnSync(program, args, { encoding: "utf8", timeout: INSTALL_MS });
  if (done.status === 0) return null;
  return done.error?.message ?? done.stderr.trim().split("\n").at(-1) ?? "";
}

/** Each run starts without open connections. */
function contender(network: Network, folder: string, program: string): Contender {
  const file = (name: string): string => path.join(folder, name);
  const ssh = `-F ${writeSshConfig(network)} -o ControlMaster=auto -o ControlPersist=60s`;
  const settings = [
    ...["[defaults]", `forks = ${WIDTH}`, `interpreter_python = ${PYTHON}`],
    ...[`home = ${folder}`, "[ssh_connection]", "pipelining = true", `ssh_args = ${ssh}`],
  ];
  fs.writeFileSync(file("ansible.cfg"), `${settings.join("\n")}\n`);
  fs.writeFileSync(file("inventory"), `${network.hosts.join("\n")}\n`);
  fs.writeFileSync(file("playbook.yml"), PLAYBOOK);
  return {
    name: `Ansible, ${WIDTH} forks, pipelining, ControlPersist`,
    prepare: (keepalive) => {
      writeConfigs(network, folder, keepalive);
      const sockets = `ANSIBLE_SSH_CONTROL_PATH_DIR=${file(`sockets-${keepalive}`)}`;
      const playbook = [program, "-i", file("inventory")];
      const config = `ANSIBLE_CONFIG=${file("ansible.cfg")}`;
      return ["env", config, sockets, ...playbook, file("playbook.yml")];
    },
  };
}
