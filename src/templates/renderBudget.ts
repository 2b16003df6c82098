import { AssertionError } from "liquidjs";
import { MAX_RENDER_STEPS, RENDER_SLICE_STEPS } from "./limits.ts";

let stepsOfAll = 0;

/** Steps of all renderings of this process so far: whoever renders many messages in a row sees when to let others in. */
export function stepsRendered(): number {
  return stepsOfAll;
}

/** Counts what one rendering does. Counted, not timed: the same template is refused on every machine, however busy. */
export class RenderBudget {
  #steps = 0;
  #sliceEnd = RENDER_SLICE_STEPS;

  /** @throws AssertionError once the rendering has taken more steps than it may */
  spend(steps: number): void {
    this.#steps += steps;
    stepsOfAll += steps;
    if (this.#steps > MAX_RENDER_STEPS) {
      throw new AssertionError(`takes more than ${MAX_RENDER_STEPS} steps to render: too many loops`);
    }
  }

  /** Tells, once for each slice, that others should be let in. */
  takesNewSlice(): boolean {
    if (this.#steps < this.#sliceEnd) return false;
    this.#sliceEnd = this.#steps + RENDER_SLICE_STEPS;
    return true;
  }
}
