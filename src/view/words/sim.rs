//! Texts of the simulator's frame; its pages bring their own.

use super::{Text, catalogue};

catalogue! {
    /// What makes sure that the simulator never passes for Alibaba.
    Sim {
        brand: Text = "云市场（模拟）", "Marketplace (simulated)";
        title: Text = "云市场模拟器", "Marketplace simulator";
        note_label: Text = "模拟器说明", "About the simulator";
        note: Text = "模拟器", "Simulator";
        note_text: Text =
            "：这里不是阿里云。订单、帐单和金额都不是真的，不会产生费用。",
            ": this isn’t Alibaba Cloud. Orders, bills and amounts aren’t real. Nothing is charged.";
        navigation: Text = "模拟器", "Simulator";
    }
}
