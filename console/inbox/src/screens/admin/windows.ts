/** Windows of a day as people write them: `09:00-14:00, 15:00-18:00`. */
export type Windows = [string, string][];

export function written(windows: readonly (readonly string[])[]): string {
  return windows.map((each) => each.join("-")).join(", ");
}

/** What the hub cannot read either is sent as it is: it says what is wrong with it. */
export function read(text: string): Windows {
  return text
    .split(/[,;]/)
    .map((each) => each.trim())
    .filter(Boolean)
    .map((each) => {
      const [begin = "", end = ""] = each.split(/[-–]/).map((time) => time.trim());
      return [begin.padStart(5, "0"), end.padStart(5, "0")];
    });
}
