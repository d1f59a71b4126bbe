import { Button, Modal } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { mailPageUrl } from "../api/hub";
import { bodyQuery } from "../api/queries";
import { IconPhoto } from "../parts/icons";
import { Failed, Loading } from "../parts/Pane";
import { useText } from "../text";
import classes from "./Letter.module.css";

interface HtmlMailProps {
  id: string;
  subject: string;
  opened: boolean;
  onClose: () => void;
}

/** A mail as it was sent. Pictures from elsewhere tell their sender that somebody reads: they wait until asked for. */
export function HtmlMail({ id, subject, opened, onClose }: HtmlMailProps) {
  const { t } = useText();
  const phone = useMediaQuery("(max-width: 860px)");
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="min(900px, 94vw)"
      fullScreen={phone}
      title={subject || t("mail.asSent")}
      closeButtonProps={{ "aria-label": t("shortcuts.close") }}
    >
      <Page id={id} subject={subject} />
    </Modal>
  );
}

/** Pictures that wait; those that only track are never loaded. */
export function heldBack(html: string): number {
  return [...html.matchAll(/<img\b[^>]*\bdata-remote-src=[^>]*>/g)].filter(([image]) => !image.includes("data-tracking")).length;
}

function Page({ id, subject }: Pick<HtmlMailProps, "id" | "subject">) {
  const { t, counted } = useText();
  const [images, setImages] = useState(false);
  const line = useRef<HTMLParagraphElement>(null);
  const show = () => {
    setImages(true);
    line.current?.focus();
  };
  const query = useQuery(bodyQuery(id));
  if (query.isError && !query.data) return <Failed error={query.error} again={() => void query.refetch()} />;
  if (!query.data) return <Loading lines={6} />;
  const waiting = heldBack(query.data.html);
  return (
    <>
      {waiting > 0 && (
        // It takes the focus over from the button that goes: without one, Escape would close the conversation as well.
        <p ref={line} tabIndex={-1} className={classes.images}>
          {images ? t("mail.imagesShown") : counted("mail.heldBack", waiting)}
          {!images && (
            <Button size="compact-sm" variant="light" leftSection={<IconPhoto size={15} aria-hidden />} onClick={show}>
              {t("mail.showImages")}
            </Button>
          )}
        </p>
      )}
      <iframe
        key={String(images)}
        className={classes.frame}
        title={subject || t("mail.asSent")}
        // No scripts and no origin; links may open a tab, which is not in the sandbox.
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        src={mailPageUrl(id, images)}
      />
    </>
  );
}
