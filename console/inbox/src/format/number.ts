import type { Text } from "../text";

export function share(fraction: number, { language }: Text): string {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(fraction);
}

/** A file's size; `bytes` in units of 1000, as the customer's own computer shows them. */
export function fileSize(bytes: number, { language }: Text): string {
  const [size, unit] = bytes < 1_000_000 ? [bytes / 1000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 }).format(size);
}
