// Time zones by their present names. Browsers go on using the names of old, such as Asia/Calcutta.

/** The names that browsers report although the time zone database has renamed them, and the present names. */
const RENAMED: Record<string, string> = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca",
  "America/Coral_Harbour": "America/Atikokan",
  "America/Cordoba": "America/Argentina/Cordoba",
  "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis",
  "America/Jujuy": "America/Argentina/Jujuy",
  "America/Louisville": "America/Kentucky/Louisville",
  "America/Mendoza": "America/Argentina/Mendoza",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
  "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei",
  "Pacific/Truk": "Pacific/Chuuk",
};

/** Return a zone's present name, or the given one where the browser does not know that. */
export function presentName(name: string): string {
  const present = Object.hasOwn(RENAMED, name) && RENAMED[name];
  return present && isZone(present) ? present : name;
}

/** Return the zones that the browser knows, by their present names and sorted. */
export function knownZones(): string[] {
  return [...new Set(Intl.supportedValuesOf("timeZone").map(presentName))].sort();
}

/** Return whether a text names an IANA time zone. Browsers also accept offsets such as +01:00, which this rejects. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
