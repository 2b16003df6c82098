import { AssertionError } from "liquidjs";
import { MAX_RENDER_STEPS, RENDER_SLICE_STEPS } from "./limits.ts";

let totalSteps = 0;

/** Gets the steps of all renderings of this process, by which the delivery engine limits a batch. */
export function getTotalSteps(): number {
  return totalSteps;
}

/** Limits the work of one rendering, by steps instead of time: the same template is refused on every machine, however busy. */
export class RenderBudget {
  #steps = 0;
  #sliceEnd = RENDER_SLICE_STEPS;

  /** @throws AssertionError when the rendering exceeds its steps */
  spend(steps: number): void {
    this.#steps += steps;
    totalSteps += steps;
    if (this.#steps > MAX_RENDER_STEPS) {
      throw new AssertionError(`takes more than ${MAX_RENDER_STEPS} steps to render: too many loops`);
    }
  }

  /** Returns true once for each slice, when the rendering should pause. */
  shouldPause(): boolean {
    if (this.#steps < this.#sliceEnd) return false;
    this.#sliceEnd = this.#steps + RENDER_SLICE_STEPS;
    return true;
  }
}
