// What the build puts in, and what it lets modules import besides TypeScript.

/** The addresses of Monaco's workers, by their names. */
declare const WORKERS: Record<string, string>;

declare module "*.css";
declare module "*.graphql" {
  const text: string;
  export default text;
}
