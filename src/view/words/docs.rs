//! Texts around the description of the API. What describes the calls is one text in English, made from the code.

use super::{Text, catalogue};

catalogue! {
    /// The page that shows the OpenAPI document.
    Docs {
        title: Text = "API 文档", "API documentation";
        caption: Text = "版本", "Version";
        contents: Text = "目录", "Contents";
        lead: Text =
            "您的产品用这些调用与网关对话。调用说明由程序生成，用英文书写。",
            "What your product asks of the gateway. This page is made from the program itself.";
        download: Text = "下载 OpenAPI 文档", "Download the OpenAPI document";
        keys: Text = "创建密钥", "Create a key";
        overview: Text = "概要", "Overview";
        scope: Text = "权限", "Scope";
        repeatable: Text = "可安全重试", "Safe to repeat";
        parameters: Text = "参数", "Parameters";
        body: Text = "请求内容", "Body";
        answer: Text = "成功时的返回", "Answer";
        problems: Text = "错误", "Problems";
        example: Text = "示例", "Example";
        shapes: Text = "数据结构", "Shapes";
        name: Text = "名称", "Name";
        place: Text = "位置", "In";
        kind: Text = "类型", "Type";
        means: Text = "说明", "Meaning";
        status: Text = "状态码", "Status";
        codes: Text = "代码", "Codes";
        required: Text = "必填", "required";
        optional: Text = "可选", "optional";
        no_content: Text = "没有内容", "No content";
        scrolls: Text = "可横向滚动", "scrolls sideways";
    }
}
