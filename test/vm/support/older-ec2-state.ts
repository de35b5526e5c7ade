/** What version 0.1 recorded of an EC2 relay: the instance got its Elastic IP before the push, and no other address. */
import * as assert from "node:assert/strict";

interface Resource {
  urn: string;
  type: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[]>;
}

/** `exported`: the output of `pulumi stack export --show-secrets`. @returns the input of `pulumi stack import` */
export function asOlderState(exported: string): string {
  const state = JSON.parse(exported) as { deployment: { resources: Resource[] } };
  const all = state.deployment.resources;
  const named = (end: string): Resource => {
    const found = all.find(({ urn }) => urn.endsWith(`::${end}`));
    assert.ok(found, end);
    return found;
  };
  const [push, association] = [named("tokyo-push-command"), named("tokyo-address-association")];
  const stash = named("tokyo-first-address").urn;
  for (const one of all) forget(one, stash);
  forget(association, push.urn);
  push.dependencies = [...(push.dependencies ?? []), association.urn];
  const stdin = push.inputs?.["stdin"] as { plaintext: string };
  stdin.plaintext = withoutFirstAddress(stdin.plaintext);
  push.outputs = { ...push.outputs, stdin };
  const subnet = named("tokyo-subnet");
  delete subnet.inputs?.["mapPublicIpOnLaunch"];
  subnet.outputs = { ...subnet.outputs, mapPublicIpOnLaunch: false };
  for (const one of all.filter(({ type }) => type === "aws:ec2/instance:Instance"))
    one.outputs = { ...one.outputs, publicIp: "" };
  // What another resource depends on comes before it.
  const others = all.filter((one) => one !== association && one.urn !== stash);
  others.splice(others.indexOf(push), 0, association);
  state.deployment.resources = others;
  return JSON.stringify(state);
}

function forget(resource: Resource, urn: string): void {
  const without = (urns: string[]) => urns.filter((it) => it !== urn);
  resource.dependencies = without(resource.dependencies ?? []);
  resource.propertyDependencies = Object.fromEntries(
    Object.entries(resource.propertyDependencies ?? {}).map(([name, urns]) => [
      name,
      without(urns),
    ]),
  );
}

/** A string in JSON, twice. */
function withoutFirstAddress(plaintext: string): string {
  const text = JSON.parse(plaintext) as string;
  const older = text.replace(/,"firstAddress":"[^"]*"/, "");
  assert.notEqual(older, text);
  return JSON.stringify(older);
}
