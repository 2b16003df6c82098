/** Receives the error of a listener. It must not throw itself. */
export type OnListenerError = (error: unknown) => void;

/**
 * Calls a listener after the current work has ended. The store reports changes while it handles an error: an exception of
 * the listener would replace that error, skip a rollback or stop a timer, so it is passed to `onError` only.
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
