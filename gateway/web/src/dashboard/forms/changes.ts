// Sends mutations, and tells what is wrong with their input apart from other errors.

import { Away, ask } from "../api/api.ts";
import { capitalised } from "../parts/format.ts";

/** What is wrong with a mutation's input. `field` is the input field to blame; null if it is not a single one. */
export interface Problem {
  field: string | null;
  message: string;
  code: string;
}

/** A change that was not made because of its input. */
export class Invalid extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(sentence).join(" "));
  }
}

/** How many changes are sent in one request. */
const AT_ONCE = 20;

type Input = Record<string, unknown>;
type Payload<Result> = Result & { userErrors: Problem[] };

/** Send a mutation, and return what it selects of its payload. Throws `Invalid`, and what `ask` throws. */
export async function change<Result>(mutation: string, selection: string, input: Input): Promise<Result> {
  const [outcome] = await changes<Result>(mutation, selection, [input]);
  if (outcome instanceof Invalid) throw outcome;
  return outcome!;
}

/** Send a mutation for each input, and return what became of each. Throws what `ask` throws, after which some of the
 * changes may have been made. */
export async function changes<Result>(
  mutation: string,
  selection: string,
  inputs: readonly Input[],
): Promise<(Result | Invalid)[]> {
  const outcomes: (Result | Invalid)[] = [];
  for (let at = 0; at < inputs.length; at += AT_ONCE) {
    outcomes.push(...(await send<Result>(mutation, selection, inputs.slice(at, at + AT_ONCE))));
  }
  return outcomes;
}

async function send<Result>(mutation: string, selection: string, inputs: readonly Input[]): Promise<(Result | Invalid)[]> {
  const declared = inputs.map((_, at) => `$input${at}: ${capitalised(mutation)}Input!`).join(", ");
  const fields = inputs.map(
    (_, at) => `change${at}: ${mutation}(input: $input${at}) { ${selection} userErrors { field message code } }`,
  );
  const variables = Object.fromEntries(inputs.map((input, at) => [`input${at}`, input]));
  const query = `mutation Change(${declared}) {\n${fields.join("\n")}\n}`;
  const data = await ask<Record<string, Payload<Result>>>(query, variables);
  return inputs.map((_, at) => {
    const payload = data[`change${at}`]!;
    return payload.userErrors.length ? new Invalid(payload.userErrors) : payload;
  });
}

/** Return a problem as a sentence that stands beside its field, and so does not name it. */
export function sentence({ field, message }: Problem): string {
  const words = field && message.startsWith(`${field} `) ? message.slice(field.length + 1) : message;
  return `${capitalised(words)}${/[.!?]$/.test(words) ? "" : "."}`;
}

/** Return what to say of an error that is not about the input. */
export function failure(error: unknown): string {
  // The answer may have been lost after the change was made.
  if (error instanceof Away) return "The gateway did not answer. Look whether the change was made before you try again.";
  return `${error instanceof Error ? error.message : String(error)}.`;
}
