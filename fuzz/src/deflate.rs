//! Deflated data (RFC 1951) by choice: blocks of all kinds, and codes that are complete, incomplete or too full. Bytes at
//! random hardly ever make a second block, and no writer makes the odd ones that readers differ on.

use super::choices::Choices;

const END: u16 = 256;

/// Deflated data, and what it inflates to if a reader takes it.
pub fn stream(choices: &mut Choices<'_>) -> (Vec<u8>, Vec<u8>) {
    let mut bits = Bits::default();
    let mut content = Vec::new();
    let blocks = 1 + choices.below(3);
    for block in 1..=blocks {
        bits.put(u32::from(block == blocks), 1);
        match choices.below(4) {
            0 | 3 => dynamic(choices, &mut bits, &mut content),
            1 => fixed(choices, &mut bits, &mut content),
            _ => stored(choices, &mut bits, &mut content),
        }
    }
    if choices.rarely() {
        bits.put(u32::from(choices.byte()), 7);
    }
    let mut data = bits.finish();
    if choices.rarely() {
        data.extend(choices.bytes(9));
    }
    (data, content)
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> at & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }

    /// Codes stand with their first bit first.
    fn put_code(&mut self, code: Code) {
        for at in (0..code.length).rev() {
            self.put(code.bits >> at, 1);
        }
    }

    fn align(&mut self) {
        self.used = self.used.next_multiple_of(8);
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[derive(Clone, Copy)]
struct Code {
    symbol: u16,
    bits: u32,
    length: u32,
}

/// The codes of these lengths (RFC 1951, 3.2.2).
fn canonical(lengths: &[u8]) -> Vec<Code> {
    let mut next = [0u32; 16];
    for length in 1..16 {
        let shorter = lengths.iter().filter(|other| usize::from(**other) == length - 1 && length > 1).count();
        next[length] = (next[length - 1] + shorter as u32) << 1;
    }
    let mut codes = Vec::new();
    for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
        let bits = next[usize::from(*length)];
        next[usize::from(*length)] += 1;
        codes.push(Code { symbol: symbol as u16, bits, length: u32::from(*length) });
    }
    codes
}

fn stored(choices: &mut Choices<'_>, bits: &mut Bits, content: &mut Vec<u8>) {
    let bytes = choices.bytes(40);
    bits.put(0, 2);
    bits.align();
    bits.put(bytes.len() as u32, 16);
    let lie = if choices.rarely() { u32::from(choices.u16()) } else { 0 };
    bits.put(!(bytes.len() as u32) & 0xFFFF ^ lie, 16);
    for byte in bytes {
        bits.put(u32::from(*byte), 8);
    }
    content.extend(bytes);
}

fn fixed(choices: &mut Choices<'_>, bits: &mut Bits, content: &mut Vec<u8>) {
    bits.put(1, 2);
    let mut lengths = [8u8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    symbols(choices, &canonical(&lengths), &canonical(&[5; 32]), bits, content);
}

fn dynamic(choices: &mut Choices<'_>, bits: &mut Bits, content: &mut Vec<u8>) {
    bits.put(2, 2);
    let literals = literal_lengths(choices);
    let mut distances = vec![0u8; 1 + choices.below(32)];
    let used: Vec<u16> = (0..choices.below(6)).map(|_| choices.below(distances.len()) as u16).collect();
    assign(choices, &used, &mut distances);
    bits.put(literals.len() as u32 - 257, 5);
    bits.put(distances.len() as u32 - 1, 5);
    bits.put(15, 4);
    // Thirteen codes of four bits and six of five: the code of the lengths is complete.
    let mut of_lengths: Vec<u8> = (0..19).map(|symbol| if symbol < 13 { 4 } else { 5 }).collect();
    if choices.rarely() {
        of_lengths[choices.below(19)] = choices.byte() & 7;
    }
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] {
        bits.put(u32::from(of_lengths[symbol]), 3);
    }
    put_lengths(choices, &canonical(&of_lengths), &[&literals[..], &distances].concat(), bits);
    symbols(choices, &canonical(&literals), &canonical(&distances), bits, content);
}

fn literal_lengths(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut used: Vec<u16> = (0..choices.below(8)).map(|_| u16::from(choices.byte())).collect();
    for _ in 0..choices.below(4) {
        let most = if choices.rarely() { 31 } else { 29 };
        used.push(257 + choices.below(most) as u16);
    }
    if !choices.rarely() {
        used.push(END);
    }
    let highest = used.iter().copied().max().unwrap_or(END).max(END);
    let more = if choices.rarely() { choices.below(32) } else { 0 };
    let mut lengths = vec![0; (usize::from(highest) + 1 + more).min(288)];
    assign(choices, &used, &mut lengths);
    lengths
}

/// Gives `used` symbols the lengths of a complete code, and then sometimes another one.
fn assign(choices: &mut Choices<'_>, used: &[u16], lengths: &mut [u8]) {
    let mut used = used.to_vec();
    used.sort_unstable();
    used.dedup();
    let count = used.len();
    if choices.maybe() && count < 15 {
        for (at, symbol) in used.iter().enumerate() {
            lengths[usize::from(*symbol)] = (at + 1).min(count - 1).max(1) as u8;
        }
    } else {
        let deep = count.max(2).next_power_of_two().trailing_zeros();
        let shallow = (1usize << deep) - count;
        for (at, symbol) in used.iter().enumerate() {
            let short = at < shallow && deep > 1;
            lengths[usize::from(*symbol)] = if short { deep - 1 } else { deep } as u8;
        }
    }
    if choices.rarely() {
        let at = usize::from(choices.u16()) % lengths.len();
        lengths[at] = choices.byte() & 15;
    }
}

fn put_lengths(choices: &mut Choices<'_>, codes: &[Code], lengths: &[u8], bits: &mut Bits) {
    let mut put = |symbol: u16, extra: u32, count: u32| {
        if let Some(code) = codes.iter().find(|code| code.symbol == symbol) {
            bits.put_code(*code);
        }
        bits.put(extra, count);
    };
    let plainly = choices.rarely();
    let mut at = 0;
    while at < lengths.len() {
        let run = lengths[at..].iter().take_while(|length| **length == lengths[at]).count();
        let taken = match (lengths[at], run) {
            (0, 11..) if !plainly => {
                put(18, run.min(138) as u32 - 11, 7);
                run.min(138)
            }
            (0, 3..) if !plainly => {
                put(17, run as u32 - 3, 3);
                run.min(10)
            }
            (length, 4..) if !plainly => {
                put(u16::from(length), 0, 0);
                put(16, (run - 1).min(6) as u32 - 3, 2);
                1 + (run - 1).min(6)
            }
            (length, _) => {
                put(u16::from(length), 0, 0);
                1
            }
        };
        at += taken;
    }
    if choices.rarely() {
        put(16, 0, 2);
    }
}

fn symbols(
    choices: &mut Choices<'_>,
    literals: &[Code],
    distances: &[Code],
    bits: &mut Bits,
    content: &mut Vec<u8>,
) {
    for _ in 0..choices.below(40) {
        if literals.is_empty() {
            break;
        }
        let code = literals[usize::from(choices.u16()) % literals.len()];
        match code.symbol {
            0..END => {
                bits.put_code(code);
                content.push(code.symbol as u8);
            }
            END => {}
            _ => repeat(choices, code, distances, bits, content),
        }
    }
    if let Some(end) = literals.iter().find(|code| code.symbol == END) {
        bits.put_code(*end);
    }
}

fn repeat(choices: &mut Choices<'_>, code: Code, distances: &[Code], bits: &mut Bits, content: &mut Vec<u8>) {
    let Some(last) = distances.len().checked_sub(1) else { return };
    // Codes are in the order of their symbols, and small distances lead to what is there.
    let distance = distances[if choices.maybe() { choices.below(last + 1) } else { 0 }];
    bits.put_code(code);
    let (base, extra) = match u32::from(code.symbol) - 257 {
        at @ 0..8 => (3 + at, 0),
        28.. => (258, 0),
        at => {
            let extra = at / 4 - 1;
            (3 + ((4 + at % 4) << extra), extra)
        }
    };
    let more = u32::from(choices.byte()) & ((1 << extra) - 1);
    bits.put(more, extra);
    let length = base + more;
    bits.put_code(distance);
    let (base, extra) = match u32::from(distance.symbol) {
        at @ 0..4 => (1 + at, 0),
        at => {
            let extra = at / 2 - 1;
            (1 + ((2 + at % 2) << extra), extra)
        }
    };
    let more = if choices.rarely() { u32::from(choices.u16()) & ((1 << extra) - 1) } else { 0 };
    bits.put(more, extra);
    for _ in 0..length {
        let from = content.len().checked_sub((base + more) as usize);
        content.push(from.map_or(0, |from| content[from]));
    }
}
