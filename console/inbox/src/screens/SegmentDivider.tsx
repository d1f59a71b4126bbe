import type { SegmentOut } from "@centralita/shared/api";
import type { ReactNode } from "react";

import { ChannelIcon } from "../parts/Channel";
import { Evidence, type EvidenceView } from "../parts/Evidence";
import { useText } from "../text";
import classes from "./SegmentDivider.module.css";

interface SegmentDividerProps {
  segment: SegmentOut;
  /** How the address is known to be the customer's; null where the contact no longer has it. */
  link: EvidenceView | null;
  /** What can be done about it. */
  children?: ReactNode;
}

/** The line where the conversation goes on by another channel. */
export function SegmentDivider({ segment, link, children }: SegmentDividerProps) {
  const { t, word } = useText();
  const { channel } = segment;
  // A visitor's name is no address.
  const address = channel === "webchat" ? segment.inbox_name : segment.address_display;
  return (
    <div className={classes.divider} data-channel={channel}>
      <span className={classes.words}>
        <ChannelIcon channel={channel} size={15} decorative />
        <span>{[t("segment.now", { channel: word("channel", channel) }), address].filter(Boolean).join(" · ")}</span>
      </span>
      {link && <Evidence {...link} />}
      {children}
    </div>
  );
}
