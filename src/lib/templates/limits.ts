/** Size of a template in UTF-8. Gmail clips a mail at 102 KB; real templates are below 50 KB. */
export const MAX_TEMPLATE_BYTES = 64 * 1024;
/** Size of all templates of one campaign in UTF-8. */
export const MAX_STEPS_BYTES = 256 * 1024;
/** Outputs and tags of one template. Parsing one takes about 10 µs and 1.3 KB of memory. */
export const MAX_TEMPLATE_TAGS = 500;
/** Words, numbers and punctuation within the outputs and tags of one template. Each takes up to 320 bytes when parsed. */
export const MAX_TEMPLATE_WORDS = 5_000;
/** Depth of nested tags. */
export const MAX_TEMPLATE_NESTING = 50;
/**
 * Work of one rendering: a step is a rendered text, output or tag, or an evaluated word of code. The largest allowed template
 * takes about 6,000 without loops.
 */
export const MAX_RENDER_STEPS = 8_000;
/** Steps between two yields to the event loop when a preview is rendered: about 2 ms. */
export const RENDER_SLICE_STEPS = 500;
/** Allocations and output of one rendering, in characters and elements. */
export const MAX_RENDER_MEMORY_UNITS = 256_000;
/** Length of a message's text or HTML. */
export const MAX_RENDERED_CHARACTERS = 128_000;
/** Steps after which the delivery engine ends a batch: some 100 ms during which it blocks the only writer. */
export const MAX_BATCH_STEPS = 50_000;
/** Memory of the cache of parsed templates. */
export const PARSED_CACHE_BYTES = 16 * 1024 * 1024;
