"""What a face may know of the bot: the snapshot it shows, the commands it sends, the codec between."""
