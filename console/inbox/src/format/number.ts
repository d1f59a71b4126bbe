import type { Text } from "../text";

export function share(fraction: number, { locale }: Text): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(fraction);
}

/** A file's size; `bytes` in units of 1000, as the customer's own computer shows them. */
export function fileSize(bytes: number, { locale }: Text): string {
  const [size, unit] = bytes < 1_000_000 ? [bytes / 1000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 }).format(size);
}
