import { ActionIcon, Modal } from "@mantine/core";
import type { KeyboardEvent } from "react";

import { IconChevronLeft, IconChevronRight, IconExternalLink } from "../parts/icons";
import { useText } from "../text";
import type { FileView } from "./Attachments";
import classes from "./Lightbox.module.css";

interface LightboxProps {
  pictures: FileView[];
  /** Which of them is open; null while none is. */
  shown: number | null;
  show: (index: number | null) => void;
}

/** A message's pictures as large as the screen allows: arrows turn the pages, Escape closes. */
export function Lightbox({ pictures, shown, show }: LightboxProps) {
  const { t } = useText();
  const picture = shown === null ? undefined : pictures[shown];
  const to = (index: number) => {
    if (index >= 0 && index < pictures.length) show(index);
  };
  const at = shown ?? 0;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") to(at - 1);
    if (event.key === "ArrowRight") to(at + 1);
  };
  return (
    <Modal
      opened={picture !== undefined}
      onClose={() => show(null)}
      size="auto"
      centered
      title={picture?.name ?? ""}
      closeButtonProps={{ "aria-label": t("media.close") }}
      onKeyDown={onKeyDown}
      classNames={{ title: classes.title ?? "" }}
    >
      {picture && (
        <>
          <img key={picture.url} src={picture.url} alt={picture.name} className={classes.picture} />
          <div className={classes.foot}>
            {pictures.length > 1 && (
              <>
                <ActionIcon variant="default" size="lg" disabled={at === 0} aria-label={t("media.previous")} onClick={() => to(at - 1)}>
                  <IconChevronLeft size={20} aria-hidden />
                </ActionIcon>
                <span aria-live="polite">{t("media.of", { number: at + 1, count: pictures.length })}</span>
                <ActionIcon
                  variant="default"
                  size="lg"
                  disabled={at === pictures.length - 1}
                  aria-label={t("media.next")}
                  onClick={() => to(at + 1)}
                >
                  <IconChevronRight size={20} aria-hidden />
                </ActionIcon>
              </>
            )}
            <a href={picture.url} target="_blank" rel="noopener noreferrer" className={classes.original}>
              <IconExternalLink size={16} aria-hidden /> {t("media.original")}
            </a>
          </div>
        </>
      )}
    </Modal>
  );
}
