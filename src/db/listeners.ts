/** Takes what a listener threw; it must not throw itself. */
export type OnListenerError = (error: unknown) => void;

/**
 * Calls a listener after the work that told of the event has ended. The database tells of changes while it handles an
 * error: what a listener throws there would replace that error, skip a rollback or end a timer's work, so it goes to
 * `onError` and nowhere else.
 */
export function callLater(listener: () => void, onError: OnListenerError): void {
  queueMicrotask(() => {
    try {
      listener();
    } catch (error) {
      onError(error);
    }
  });
}
