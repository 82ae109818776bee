// Declares the constants that the build defines, and the file types that modules may import besides TypeScript.

/** The URLs of Monaco's workers, by name. */
declare const WORKERS: Record<string, string>;

declare module "*.css";
declare module "*.graphql" {
  const text: string;
  export default text;
}
