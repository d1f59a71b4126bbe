import { Button, Modal } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { UseQueryResult } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { explain } from "../../actions/explain";
import { Failed, Loading } from "../../parts/Pane";
import { useText } from "../../text";
import floor from "../Floor.module.css";
import classes from "./Admin.module.css";

/** A page of the settings: its name, a sentence on what it is for, and what is on it. */
export function Sheet({ title, intro, action, children }: SheetProps) {
  return (
    <>
      <div className={classes.head}>
        <h2>{title}</h2>
        {action}
      </div>
      <p className={classes.intro}>{intro}</p>
      {children}
    </>
  );
}

interface SheetProps {
  title: string;
  intro: string;
  action?: ReactNode;
  children: ReactNode;
}

/** What was read, or why it is not there. */
export function Read<Data>({ query, children }: { query: UseQueryResult<Data>; children: (data: Data) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <Failed error={query.error} again={() => void query.refetch()} />;
  return <Loading lines={5} />;
}

/** A table that is scrolled sideways where it is wider than the page. */
export function Table({ label, heads, children }: { label: string; heads: string[]; children: ReactNode }) {
  return (
    // Whoever has no mouse scrolls it with the arrow keys.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must take the focus
    <div className={classes.scroll} role="region" aria-label={label} tabIndex={0}>
      <table className={floor.table}>
        <thead>
          <tr>
            {heads.map((head, place) => (
              <th key={place} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Saves, says that it is saved or why not, and reads afresh what may have changed. */
export function useSave() {
  const text = useText();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);

  async function save(change: () => Promise<unknown>, said = text.t("admin.saved")): Promise<boolean> {
    setBusy(true);
    try {
      await change();
      notifications.show({ message: said, color: "green" });
      await Promise.all(
        [["admin"], ["teams"], ["agents"], ["vendors"], ["inboxes"], ["presence-reasons"]].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      );
      return true;
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 });
      return false;
    } finally {
      setBusy(false);
    }
  }

  return { save, busy };
}

/** A form over the page. */
export function Dialog({ title, onClose, onSubmit, busy, children }: DialogProps) {
  const { t } = useText();
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        <Buttons busy={busy} onCancel={onClose} />
      </form>
    </Modal>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  onSubmit: () => void;
  busy: boolean;
  children: ReactNode;
}

export function Buttons({ busy, onCancel }: { busy: boolean; onCancel?: () => void }) {
  const { t } = useText();
  return (
    <div className={classes.row} style={{ justifyContent: "flex-end" }}>
      {onCancel && (
        <Button variant="default" onClick={onCancel}>
          {t("action.cancel")}
        </Button>
      )}
      <Button type="submit" loading={busy}>
        {t("admin.save")}
      </Button>
    </div>
  );
}
