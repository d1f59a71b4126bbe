/** How a text goes out as SMS. Twilio's own counter does the counting; it is loaded when the first text is counted. */

/** A character outside the SMS alphabet, and what may stand in its place without changing the meaning. */
export interface WideCharacter {
  character: string;
  replacement: string | null;
}

export interface SmsCount {
  segments: number;
  /** Characters that still go into the last segment. */
  left: number;
  /** What forces the text into UCS-2, which takes less than half as many characters: each once, as they come. */
  wide: WideCharacter[];
  /** The segments once everything that can be replaced is. */
  segmentsReplaced: number;
}

export interface SmsCounter {
  count: (text: string) => SmsCount;
  /** The text with whatever can be replaced in the SMS alphabet. */
  replaced: (text: string) => string;
}

const BITS = { "GSM-7": 7, "UCS-2": 16 };

export async function loadSmsCounter(): Promise<SmsCounter> {
  const [{ SegmentedMessage }, { default: table }] = await Promise.all([
    import("sms-segments-calculator"),
    import("sms-segments-calculator/dist/libs/SmartEncodingMap"),
  ]);
  // Of a module in the old style some builds give what it exports by default, others everything that it exports.
  const alternatives = "default" in table ? (table.default as unknown as typeof table) : table;
  const alternative = (character: string) => (Object.hasOwn(alternatives, character) ? (alternatives[character] ?? null) : null);
  const replaced = (text: string) => text.replace(/./gsu, (character) => alternative(character) ?? character);
  return {
    replaced,
    count(text) {
      const counted = new SegmentedMessage(text);
      const last = counted.segments.at(-1);
      const wide = [...new Set(counted.getNonGsmCharacters())];
      return {
        segments: counted.segmentsCount,
        left: Math.floor((last?.freeSizeInBits() ?? 0) / BITS[counted.encodingName]),
        wide: wide.map((character) => ({ character, replacement: alternative(character) })),
        segmentsReplaced: new SegmentedMessage(replaced(text)).segmentsCount,
      };
    },
  };
}
