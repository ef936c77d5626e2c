"""What the history says: where circuits stood, what that cost, why, and how well they served."""
