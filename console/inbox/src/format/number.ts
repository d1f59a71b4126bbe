import type { Text } from "../text";

export function share(fraction: number, { locale }: Text): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(fraction);
}

/** A share that may be negative, with one digit behind the point. */
export function percent(fraction: number, { locale }: Text): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(fraction);
}

export function decimal(value: number, { locale }: Text): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
}

/** A file's size; `bytes` in units of 1000, as the customer's own computer shows them. */
export function fileSize(bytes: number, { locale }: Text): string {
  const write = (size: number, unit: string) =>
    new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 }).format(size);
  if (bytes < 1_000) return write(bytes, "byte");
  return bytes < 1_000_000 ? write(bytes / 1_000, "kilobyte") : write(bytes / 1_000_000, "megabyte");
}
