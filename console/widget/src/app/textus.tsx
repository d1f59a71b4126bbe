/** The firm's number for text messages, where the inbox names one: whoever leaves the page can go on by SMS. */
import type { Props } from "./screen";

export function TextUs({ settings, words }: Pick<Props, "words"> & { settings: Props["state"]["settings"] }) {
  const number = settings?.text_us;
  return number ? (
    <p class="line">
      {words.textUs} <a href={`sms:${number.replace(/[^+\d]/g, "")}`}>{number}</a>
    </p>
  ) : null;
}
