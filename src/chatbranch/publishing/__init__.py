"""From verdict to the world: cards to pass on, ClaimReview, feeds, WebSub, and the API of claims."""
