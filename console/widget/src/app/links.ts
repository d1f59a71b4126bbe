/** Finds web addresses in plain text. Only http and https become links: `javascript:` and its kin stay text. */

export interface Piece {
  text: string;
  href?: string;
}

// Punctuation that ends a sentence is not part of the address; a closing bracket only where one was opened in it.
const ADDRESS = /https?:\/\/[^\s<>"']+/gi;
const TRAILING = /[.,;:!?…»”’]+$/;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(ADDRESS)) {
    let address = match[0].replace(TRAILING, "");
    while (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1).replace(TRAILING, "");
    if (!URL.canParse(address)) continue;
    if (match.index > done) found.push({ text: text.slice(done, match.index) });
    found.push({ text: address, href: address });
    done = match.index + address.length;
  }
  if (done < text.length) found.push({ text: text.slice(done) });
  return found;
}
