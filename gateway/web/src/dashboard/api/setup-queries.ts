// What the section about a program's setup asks the gateway for.

export type StepName = "PROFILE" | "COMMISSION_RULE" | "PARTNER" | "LINK" | "TRACKER" | "TEST_CONVERSION";

export interface Step {
  name: StepName;
  isDone: boolean;
}

export interface TrackerSite {
  host: string;
  scriptSeenAt: string | null;
  clickSeenAt: string | null;
}

export interface UnknownCode {
  code: string;
  clicks: number;
  lastPage: string;
  lastSeenAt: string;
}

export interface Setup {
  program: { id: string; databaseId: number; name: string; domain: string | null; cookieWindowDays: number };
  scriptPath: string;
  clickPath: string;
  steps: Step[];
  sites: TrackerSite[];
  unknownCodes: UnknownCode[];
}

export interface SetupData {
  programSetup: Setup | null;
}

export const SETUP = `
query Setup($program: ID) {
  programSetup(programId: $program) {
    program { id databaseId name domain cookieWindowDays } scriptPath clickPath
    steps { name isDone }
    sites { host scriptSeenAt clickSeenAt }
    unknownCodes { code clicks lastPage lastSeenAt }
  }
}`;

export interface UserError {
  field: string | null;
  message: string;
}

export type TagState =
  | "FOUND"
  | "MISSING"
  | "WRONG_GATEWAY"
  | "WRONG_PROGRAM"
  | "SCRIPT_BLOCKED"
  | "CONNECTION_BLOCKED"
  | "PRIVATE_ADDRESS"
  | "UNREACHABLE"
  | "TOO_MANY_REDIRECTS"
  | "HTTP_ERROR";

export interface Inspection {
  state: TagState;
  httpStatus: number | null;
  detail: string | null;
  waitsForConsent: boolean;
}

export interface Check {
  url: string;
  code: string;
  page: Inspection;
}

export const START_CHECK = `
mutation StartCheck($input: StartInstallationCheckInput!) {
  startInstallationCheck(input: $input) {
    url code page { state httpStatus detail waitsForConsent } userErrors { field message }
  }
}`;

export interface StartCheckData {
  startInstallationCheck: { [name in keyof Check]: Check[name] | null } & { userErrors: UserError[] };
}

export interface Arrival {
  arrivedAt: string;
  page: string;
}

export const ARRIVAL = `query Arrival($code: String!) { installationCheck(code: $code) { arrivedAt page } }`;

export interface ArrivalData {
  installationCheck: Arrival | null;
}

export const TEST_CONVERSION = `
mutation TestConversion($input: RunTestConversionInput!) {
  runTestConversion(input: $input) { click lead sale passed userErrors { field message } }
}`;

export interface TestConversion {
  click: string | null;
  lead: string | null;
  sale: string | null;
  passed: boolean | null;
  userErrors: UserError[];
}

export interface TestConversionData {
  runTestConversion: TestConversion;
}
