/** The one function of vader-sentiment 1.1.3 that Reprise uses; the package ships no types. */
declare module "vader-sentiment" {
  export const SentimentIntensityAnalyzer: {
    /** Four scores of an English text; `compound` is the whole of it in -1…1, the rest are shares that sum to 1. */
    polarity_scores(text: string): { neg: number; neu: number; pos: number; compound: number };
  };
}
