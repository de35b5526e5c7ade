/** Questions to AWS: answers, or one error in words. The first thing that goes wrong without credentials or a region. */
import * as pulumi from "@pulumi/pulumi";

/** `answer` is what a data source of the SDK promises. */
export function lookedUp<T>(relay: string, answer: Promise<T>): pulumi.Output<pulumi.Unwrap<T>> {
  return pulumi.output(
    answer.catch((problem: unknown) => {
      // The SDK puts the name of the data source before, and a stack behind.
      const [words = ""] = (problem instanceof Error ? problem.message : String(problem)).split(
        "\n",
      );
      throw new pulumi.RunError(
        `relays.${relay}.ec2: AWS gave no answer: ${words}\n  are the credentials and aws:region right? Try: aws sts get-caller-identity; pulumi config get aws:region`,
      );
    }),
  );
}
