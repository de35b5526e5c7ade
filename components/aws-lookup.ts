/** AWS data sources with a readable error. They are the first calls to fail without credentials or a region. */
import * as pulumi from "@pulumi/pulumi";

/** Wraps the result of a data source. */
export function lookup<T>(relay: string, result: Promise<T>): pulumi.Output<pulumi.Unwrap<T>> {
  return pulumi.output(
    result.catch((problem: unknown) => {
      // The first line has the cause; the SDK adds a stack trace.
      const [message = ""] = (problem instanceof Error ? problem.message : String(problem)).split(
        "\n",
      );
      throw new pulumi.RunError(
        `relays.${relay}.ec2: AWS lookup failed: ${message}\n  check the credentials and the region: aws sts get-caller-identity; npx pulumi config get aws:region`,
      );
    }),
  );
}
