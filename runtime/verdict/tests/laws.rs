//! Laws of the messages and of the frames.

#[path = "laws/bodies.rs"]
mod bodies;
mod generate;

use proptest::prelude::*;
use sevorix_verdict::{Frames, FromService, MAX_ASK, ToService};

/// Changes that keep most of a message, so that the reader gets far.
fn spoiled(content: Vec<u8>, place: usize, byte: u8, how: u8) -> Vec<u8> {
    let mut content = content;
    let place = place % content.len();
    match how % 3 {
        0 => content[place] = byte,
        1 => content.insert(place, byte),
        _ => drop(content.remove(place)),
    }
    content
}

proptest! {
    #[test]
    fn what_a_client_writes_a_service_reads(message in generate::to_service()) {
        let frame = message.encode().expect("short enough");
        prop_assert_eq!(ToService::decode(&frame[4..]).expect("we wrote it"), message);
    }

    #[test]
    fn what_a_service_writes_a_client_reads(message in generate::from_service()) {
        let frame = message.encode().expect("short enough");
        prop_assert_eq!(FromService::decode(&frame[4..]).expect("we wrote it"), message);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        bodies::to_service(&content);
        bodies::from_service(&content);
        bodies::frames(&content);
    }

    #[test]
    fn spoiled_messages_are_read_without_a_panic(
        message in generate::to_service(), place: usize, byte: u8, how: u8,
    ) {
        let frame = message.encode().expect("short enough");
        bodies::to_service(&spoiled(frame[4..].to_vec(), place, byte, how));
    }

    #[test]
    fn spoiled_answers_are_read_without_a_panic(
        message in generate::from_service(), place: usize, byte: u8, how: u8,
    ) {
        let frame = message.encode().expect("short enough");
        bodies::from_service(&spoiled(frame[4..].to_vec(), place, byte, how));
    }

    #[test]
    fn frames_come_out_as_they_went_in(
        messages in prop::collection::vec(generate::to_service(), 0..5), cut in 1_usize..400,
    ) {
        let encoded = messages.iter().map(|message| message.encode().expect("short enough"));
        let stream: Vec<u8> = encoded.flatten().collect();
        let mut frames = Frames::new(MAX_ASK);
        let mut found = Vec::new();
        for piece in stream.chunks(cut) {
            frames.push(piece);
            while let Some(content) = frames.take().expect("frames") {
                found.push(ToService::decode(&content).expect("we wrote it"));
            }
        }
        prop_assert_eq!(found, messages);
        prop_assert!(!frames.is_amid());
    }

    #[test]
    fn another_question_has_another_digest(one in generate::question(), other in generate::question()) {
        prop_assert_eq!(one.digest() == other.digest(), one == other);
    }
}
