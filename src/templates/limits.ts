/** Longest template, in bytes of UTF-8. Gmail cuts a mail off at 102 KB; what people write is below 50 KB. */
export const MAX_TEMPLATE_BYTES = 64 * 1024;
/** All templates of one campaign, in bytes of UTF-8. */
export const MAX_STEPS_BYTES = 256 * 1024;
/** Outputs and tags of one template. Parsing one takes about 10 µs and 1.3 KB of memory. */
export const MAX_TEMPLATE_TAGS = 500;
/** Words, numbers and signs within the outputs and tags of one template. Each takes up to 320 bytes when parsed. */
export const MAX_TEMPLATE_WORDS = 5_000;
/** Tags within tags. */
export const MAX_TEMPLATE_NESTING = 50;
/**
 * What one rendering may do: a step is a text, output or tag that is rendered, and each word of code that is evaluated. The
 * largest template there may be takes about 6,000 when nothing in it repeats.
 */
export const MAX_RENDER_STEPS = 8_000;
/** Steps between two looks at the network when a preview is rendered: about 2 ms. */
export const RENDER_SLICE_STEPS = 500;
/** What one rendering may allocate and write, counted in characters and elements. */
export const MAX_RENDER_CHARACTERS = 256_000;
/** Longest text or HTML of a message, in characters. */
export const MAX_RENDERED_CHARACTERS = 128_000;
/** Steps rendered in one batch of the delivery engine before it ends the batch: some 100 ms of holding the only writer. */
export const MAX_BATCH_STEPS = 50_000;
/** Memory that templates kept parsed may take, in bytes. */
export const PARSED_CACHE_BYTES = 16 * 1024 * 1024;
