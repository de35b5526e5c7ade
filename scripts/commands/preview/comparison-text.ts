/** A comparison as text for a terminal. */
import { formatIssues } from "../../../mesh/config/issue";
import { joinBlocks } from "../../cli/command";
import { reviewText } from "../../cli/review-text";
import { wrapped } from "../../cli/wrap";
import type { Comparison } from "./comparison";

export function comparisonText({ review, devices, warnings }: Comparison): string {
  const lines = devices.map(({ node, why }) => wrapped(`  ${node}: `, why.join(", ")));
  const blocks = [
    warnings.length === 0 ? "" : `Warnings:\n${formatIssues(warnings)}`,
    reviewText(review),
    lines.length === 0 ? "" : ["These devices need their config:", ...lines].join("\n"),
    UNSEEN,
  ];
  return joinBlocks(blocks, "\n\n");
}

/** Changes that a comparison without secrets does not show. */
export const UNSEEN = "Not compared: private keys, preshared keys, and how to log in to the hosts.";
